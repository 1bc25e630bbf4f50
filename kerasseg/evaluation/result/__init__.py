"""What an evaluation leaves in a run: numbers for programs, and pages for people."""
