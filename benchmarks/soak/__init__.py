"""How a service stands load: for long near its limit, over its limit, and beside bad clients."""
