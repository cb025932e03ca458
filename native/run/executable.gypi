# A program of our own beside the addons: no part of Node in it, and the system's libcrypto, whose headers Node has too. What
# can be linked in is linked in: a program that starts for every run should not look for libraries first.
{
  'variables': {
    # The compiler answers the bare name where there is none.
    'libcrypto%': '<!(${CXX:-c++} -print-file-name=libcrypto.a | sed "s/^libcrypto.a$/-lcrypto/")',
  },
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
  'libraries': ['<(libcrypto)', '-ldl', '-lpthread'],
  'conditions': [
    # A sanitizer needs the library that it knows. Optimised as a whole, a program can be searched for two things of one name, which
    # no single file shows.
    ["sanitize==''", {
      'cflags': ['-flto'],
      'ldflags': ['-static-libstdc++', '-static-libgcc', '-flto=auto', '-Werror=odr'],
    }],
  ],
}
