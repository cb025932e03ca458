# How node-gyp compiles the addons, build/Release/writ_native.node, and build/Release/writ_tpm.node where tpm2-tss is installed;
# and the programs beside them: the watchdog of governed runs, and what starts them where libcrypto's headers are. For a run
# under sanitizers give `--sanitize=address,undefined` to node-gyp; fortified libc calls are left out then, as they hide faults
# from it.
{
  'includes': ['flags.gypi'],
  'variables': {
    # Asked of the compiler, which alone knows where it looks.
    'with_openssl%': '<!(echo "#include <openssl/evp.h>" | ${CXX:-c++} -E -x c++ - >/dev/null 2>&1 && echo 1 || echo 0)',
    'with_toml%': '<!(echo "#include <toml++/toml.h>" | ${CXX:-c++} -E -std=c++17 -x c++ - >/dev/null 2>&1 && echo 1 || echo 0)',
    'with_tpm%': '<!(echo "#include <tss2/tss2_esys.h>" | ${CXX:-c++} -E -x c++ - >/dev/null 2>&1 && echo 1 || echo 0)',
  },
  'targets': [
    {
      'target_name': 'writ_native',
      'sources': [
        'src/addon.cc',
        'src/clock.cc',
        'src/descriptor.cc',
        'src/file_lock.cc',
        'src/file_state.cc',
        'src/file_system.cc',
        'src/kernel_events.cc',
        'src/kernel_log.cc',
        'src/locked_bytes.cc',
        'src/peer.cc',
        'src/peer_other.cc',
        'src/pid_namespaces.cc',
        'src/process_facts.cc',
        'src/process_hardening.cc',
        'src/secret.cc',
        'src/secret_prompt.cc',
        'src/system_error.cc',
        'src/token_login.cc',
      ],
    },
  ],
  'conditions': [
    # The watchdog of governed runs, which outlives the daemon.
    ["OS=='linux'", {
      'targets': [
        {
          'target_name': 'writ-watchdog',
          'includes': ['watchdog/watchdog.gypi'],
        },
      ],
    }],
    # The governed launcher: standalone, as Node alone would take longer to start than all that it does.
    ["OS=='linux' and with_openssl==1", {
      'targets': [
        {
          # For tests alone: says what the launcher's verifier thinks of what it is given.
          'target_name': 'writ-run-verdicts',
          'type': 'executable',
          'includes': ['run/executable.gypi', 'run/verify.gypi'],
          'sources': ['run/checks/verdicts.cc'],
        },
        {
          # For tests alone: executes plans that nobody verified.
          'target_name': 'writ-exec-plan',
          'type': 'executable',
          'includes': ['run/executable.gypi', 'run/exec.gypi'],
          'sources': ['run/checks/exec_plan.cc'],
        },
      ],
    }],
    ["OS=='linux' and with_openssl==1 and with_toml==1", {
      'targets': [
        {
          'target_name': 'writ-run',
          'type': 'executable',
          'includes': ['run/executable.gypi', 'run/verify.gypi', 'run/exec.gypi', 'run/ask.gypi'],
        },
      ],
    }],
    ["OS=='linux' and with_tpm==1", {
      'targets': [
        {
          'target_name': 'writ_tpm',
          'sources': [
            'src/descriptor.cc',
            'src/locked_bytes.cc',
            'src/secret.cc',
            'src/system_error.cc',
            'tpm/addon.cc',
            'tpm/answers.cc',
            'tpm/arguments.cc',
            'tpm/connection.cc',
            'tpm/counter.cc',
            'tpm/endorsement.cc',
            'tpm/failure.cc',
            'tpm/handle.cc',
            'tpm/keys.cc',
            'tpm/nv.cc',
            'tpm/policy.cc',
            'tpm/properties.cc',
            'tpm/quote.cc',
            'tpm/seal.cc',
            'tpm/sealing.cc',
            'tpm/session.cc',
          ],
          'libraries': ['-ltss2-esys', '-ltss2-tctildr', '-ltss2-rc', '-ltss2-mu'],
        },
      ],
    }],
  ],
}
