"""What ops compute with: sums, widths, ranks and random words that are right everywhere."""
