"""What happens later: the relay, the timetable, and the workers that do jobs."""
