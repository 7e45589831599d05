"""Models: loading, finding the layers, reading them in one pass. The only folder that imports transformers."""
