"""What a network is: its vocabulary, its arithmetic, its rules, and how it becomes a torch module."""
