# How both addons are compiled: warnings are errors, and the compiler's and linker's hardening is on.
{
  'variables': {
    'sanitize%': '',
    'addon_api': '<!(node -p "require(\'path\').dirname(require.resolve(\'node-addon-api\'))")',
  },
  'target_defaults': {
    'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
    'cflags': ['-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Werror', '-fvisibility=hidden'],
    # As system headers, so that the warnings are about our own code.
    'cflags_cc': ['-std=c++17', '-fno-rtti', '-isystem<(addon_api)'],
    'conditions': [
      ["OS=='linux'", {
        'cflags': ['-fstack-protector-strong'],
        'defines': ['_GLIBCXX_ASSERTIONS'],
        'ldflags': ['-Wl,-z,relro', '-Wl,-z,now', '-Wl,-z,noexecstack'],
      }],
      ["OS=='linux' and target_arch=='x64'", {
        'cflags': ['-fstack-clash-protection', '-fcf-protection'],
      }],
      ["OS=='linux' and target_arch=='arm64'", {
        'cflags': ['-fstack-clash-protection', '-mbranch-protection=standard'],
      }],
      ["OS=='mac'", {
        'xcode_settings': {
          'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
          'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
          'OTHER_CPLUSPLUSFLAGS': ['-Wall', '-Wextra', '-Werror', '-isystem<(addon_api)'],
        },
      }],
      ["sanitize!=''", {
        'cflags': ['-fsanitize=<(sanitize)', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer', '-g'],
        # Behind the Release configuration's -O3, with which checked code takes minutes to compile.
        'cflags_cc': ['-O1'],
        'ldflags': ['-fsanitize=<(sanitize)'],
      }, {
        'configurations': { 'Release': { 'defines': ['_FORTIFY_SOURCE=2'] } },
      }],
    ],
  },
}
