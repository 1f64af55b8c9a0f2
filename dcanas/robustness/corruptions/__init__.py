"""The 15 common corruptions at 5 severities (Hendrycks & Dietterich, ICLR 2019)."""
