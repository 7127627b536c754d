"""Drop-in embedding endpoints: the paths, shapes and errors that the official SDKs expect."""
