# The sources of the watchdog; a program of our own beside the addons, without any part of Node in it.
{
  'type': 'executable',
  'sources': [
    'cgroup_mount.cc',
    'client.cc',
    'daemon_group.cc',
    'main.cc',
    'process.cc',
    'protocol.cc',
    'resources.cc',
    'run_group.cc',
    'wakeups.cc',
    'watchdog.cc',
  ],
  'include_dirs!': [
    '<(node_root_dir)/include/node',
    '<(node_root_dir)/src',
    '<(node_root_dir)/deps/openssl/config',
    '<(node_root_dir)/deps/openssl/openssl/include',
    '<(node_root_dir)/deps/uv/include',
    '<(node_root_dir)/deps/zlib',
    '<(node_root_dir)/deps/v8/include',
  ],
  'cflags': ['-fPIE'],
  'ldflags': ['-pie'],
}
