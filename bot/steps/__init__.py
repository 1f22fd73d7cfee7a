"""The steps of a message's path, one file each."""
