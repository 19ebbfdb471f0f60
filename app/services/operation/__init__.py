"""What an operator needs: health, readiness, metrics and the restore of a backup."""
