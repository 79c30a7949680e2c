"""A cluster on one machine: workers under a supervisor, and a gateway in front of them.

Standard library only, but for the database (pymysql, which Firn needs anyway). What is here
is for trying out, for tests and as an example; docs/operate/cluster.md says how the same is
done on several machines.
"""
