"""The chat page in a browser, and its scripts in Node."""
