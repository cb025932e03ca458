# A program of our own beside the addons: no part of Node in it, and the system's libcrypto, whose headers Node has too.
{
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
  'libraries': ['-lcrypto'],
}
