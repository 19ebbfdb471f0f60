"""Servers as processes: started, killed, loaded and looked at afterwards."""
