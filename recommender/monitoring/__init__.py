"""What an operator watches: figures of requests, of lists and of what waits, and a check of all.

Metrics are prometheus-client's. Web and worker processes count in files of one directory, which
`up` names to them; whoever is asked for `/metrics` adds them up.
"""
