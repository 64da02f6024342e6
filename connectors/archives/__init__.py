"""Exports of tools that are being left or are gone: their conversations come home with authors and times."""
