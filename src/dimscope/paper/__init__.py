"""The workflow of Valeriani et al. 2023 (arXiv 2302.00294), step by step: its files, its options, its figures."""
