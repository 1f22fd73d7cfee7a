"""Understanding: runs in the dialogue server (Python 3.10) and imports no other package of ours but knowledge.normalise."""
