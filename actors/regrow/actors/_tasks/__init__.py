"""Tasks: values computed by processes of their own."""
