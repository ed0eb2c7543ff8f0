"""Pictures: figures without a window, galleries of panels."""
