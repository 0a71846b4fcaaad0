"""What keeps read models up with the events, makes them anew, and proves them equal to a replay. README D12."""
