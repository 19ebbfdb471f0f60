"""Tests of the local exchanges themselves, with the genuine ccxt."""
