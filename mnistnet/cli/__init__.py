"""The command line: its commands, what they print for people, their JSON documents, and how a dashboard is served."""
