"""Run folders: every file whole or absent, every stage resumable."""
