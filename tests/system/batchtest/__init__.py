"""What system tests share: a PostgreSQL, a whole batchd from one folder, a client of the control protocol, the API player."""
