"""snnTorch networks in and out."""
