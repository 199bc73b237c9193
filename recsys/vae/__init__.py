"""Garments as points of one space: a variational autoencoder over sewing patterns."""
