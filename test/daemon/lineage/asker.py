"""Asks a daemon from wherever it is started, so that tests see where its requests are taken to come from.

  asker.py SOCKET DIRECTORY NAME [give PATH | take PATH]

It connects, then answers files: from DIRECTORY/NAME.ask (a JSON list of {"method", "params"}) come DIRECTORY/NAME.answer (a list of
results). `give` hands its connection, once made, to whoever takes it at PATH, a Unix socket; `take` uses such a connection instead
of making one.
"""

import array
import json
import os
import socket
import sys
import time

path, directory, name = sys.argv[1:4]
handing = sys.argv[4] if len(sys.argv) > 4 else None


def connect(to):
    made = socket.socket(socket.AF_UNIX)
    while True:
        try:
            made.connect(to)
            return made
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.01)


def taken(at):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(at)
        os.chmod(at, 0o777)
        listener.listen(1)
        giver = listener.accept()[0]
        _, control, _, _ = giver.recvmsg(1, socket.CMSG_SPACE(4))
        return socket.socket(fileno=array.array('i', control[0][2])[0])


def place(suffix):
    return os.path.join(directory, f'{name}.{suffix}')


daemon = taken(sys.argv[5]) if handing == 'take' else connect(path)
if handing == 'give':
    receiver = connect(sys.argv[5])
    descriptor = array.array('i', [daemon.fileno()])
    receiver.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor)])
reader = daemon.makefile('r', encoding='utf8')


def ask(number, request):
    line = json.dumps({'jsonrpc': '2.0', 'id': number, **request})
    daemon.sendall(line.encode() + b'\n')
    answer = json.loads(reader.readline())
    return answer.get('result', answer)


number = 0
open(place('ready'), 'w').close()
while True:
    try:
        with open(place('ask'), encoding='utf8') as file:
            requests = json.load(file)
    except (FileNotFoundError, json.JSONDecodeError):
        time.sleep(0.01)
        continue
    os.unlink(place('ask'))
    results = []
    for request in requests:
        number += 1
        results.append(ask(number, request))
    with open(place('partial'), 'w', encoding='utf8') as file:
        json.dump(results, file)
    os.rename(place('partial'), place('answer'))
