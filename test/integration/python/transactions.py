"""Writes into Kafka as its input says, a command a line: `begin P`, `send P VALUE`, `commit P`, `abort P`, `plain VALUE`.

P names a transactional producer. After each command what it wrote is at the broker, and a line says "done".
usage: transactions.py BROKER TOPIC
"""

import sys

from confluent_kafka import Producer

broker, topic = sys.argv[1:]
plain = Producer({"bootstrap.servers": broker})
producers = {}


def transactional(name):
    if name not in producers:
        producers[name] = Producer({"bootstrap.servers": broker, "transactional.id": f"{topic}-{name}"})
        producers[name].init_transactions(30)
    return producers[name]


for line in sys.stdin:
    verb, *rest = line.split()
    if verb == "plain":
        plain.produce(topic, rest[0])
        plain.flush(30)
    else:
        producer = transactional(rest[0])
        if verb == "begin":
            producer.begin_transaction()
        elif verb == "send":
            producer.produce(topic, rest[1])
            producer.flush(30)
        elif verb == "commit":
            producer.commit_transaction(30)
        elif verb == "abort":
            producer.abort_transaction(30)
        else:
            raise SystemExit(f"unknown command {verb}")
    print("done", flush=True)
