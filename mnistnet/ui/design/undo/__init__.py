"""Undo and redo on the Design page: buttons, keys, and the copy that the browser's tab keeps."""
