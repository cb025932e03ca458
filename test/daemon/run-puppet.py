"""A runner for tests, moved by JSON lines on standard input: it connects to the daemon, forks children that it holds back in
the confinement that the test names, and says on standard output what came of each. The launcher itself does all this
without being told; here each step can be left out, repeated or done wrongly.

  {"do": "call", "method": M, "params": P}      -> {"result": R}
  {"do": "fork", "confine": C, "script": S}     -> {"pid": N}     C: "plain" or "namespace"; S: for sh -c, once released
  {"do": "release"}                             -> {}
  {"do": "wait"}                                -> {"status": N}  as waitpid(2) has it
  {"do": "hang up"}                             -> {}
  notifications of the daemon                   -> {"notification": {...}}
"""

import ctypes
import json
import os
import signal
import socket
import sys
import threading

CLONE_NEWPID = 0x20000000
PR_SET_NO_NEW_PRIVS = 38
libc = ctypes.CDLL(None, use_errno=True)

socket_path = sys.argv[1]
if os.getuid() != 0:
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

daemon = socket.socket(socket.AF_UNIX)
daemon.connect(socket_path)
reader = daemon.makefile('r', encoding='utf8')
answered = threading.Condition()
answers = {}
printing = threading.Lock()


def say(message):
    with printing:
        sys.stdout.write(json.dumps(message) + '\n')
        sys.stdout.flush()


def listen():
    for line in reader:
        message = json.loads(line)
        if 'id' not in message:
            say({'notification': message})
            continue
        with answered:
            answers[message['id']] = message
            answered.notify_all()
    with answered:
        answers['end'] = True
        answered.notify_all()


def call(number, method, params):
    line = json.dumps({'jsonrpc': '2.0', 'id': number, 'method': method, 'params': params})
    daemon.sendall(line.encode() + b'\n')
    with answered:
        answered.wait_for(lambda: number in answers or 'end' in answers)
        return answers.get(number, {'error': 'the daemon hung up'})


def fork(confine, script):
    held, release = os.pipe()
    if confine == 'namespace' and libc.unshare(CLONE_NEWPID) != 0:
        raise OSError(ctypes.get_errno(), 'unshare')
    pid = os.fork()
    if pid == 0:
        os.close(release)
        os.read(held, 1)
        os.execv('/bin/sh', ['sh', '-c', script])
    os.close(held)
    return pid, release


def main():
    threading.Thread(target=listen, daemon=True).start()
    child = release = None
    for number, line in enumerate(sys.stdin):
        order = json.loads(line)
        verb = order['do']
        if verb == 'call':
            say({'result': call(number, order['method'], order['params'])})
        elif verb == 'fork':
            child, release = fork(order['confine'], order['script'])
            say({'pid': child})
        elif verb == 'release':
            os.write(release, b'x')
            say({})
        elif verb == 'wait':
            say({'status': os.waitpid(child, 0)[1]})
        elif verb == 'hang up':
            daemon.shutdown(socket.SHUT_RDWR)
            say({})


signal.signal(signal.SIGINT, signal.SIG_IGN)
main()
