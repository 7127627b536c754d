"""What users did, as matrices: factors, neighbours, fold-in. Numbers in, numbers out."""
