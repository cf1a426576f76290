"""A design from the table that torchinfo or torchsummary prints of a network. Reads text; runs nothing."""
