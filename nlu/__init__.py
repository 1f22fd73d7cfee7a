"""Understanding: runs in the dialogue server (3.10); imports nothing of ours but knowledge.normalise."""
