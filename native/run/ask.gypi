# The sources of the launcher's front half: from a command line to a plan that the daemon sealed.
{
  'include_dirs': ['.'],
  # The TOML library can leave a file that it did not expect only by an exception; it is caught where the library is called.
  'cflags_cc!': ['-fno-exceptions'],
  'sources': [
    'ask/awaiting_approval.cc',
    'ask/config_file.cc',
    'ask/connection.cc',
    'ask/lease_keeper.cc',
    'ask/locations.cc',
    'ask/messages.cc',
    'ask/options.cc',
    'ask/own_process.cc',
    'ask/plan_of.cc',
    'ask/session.cc',
    'ask/small_file.cc',
    'ask/stages.cc',
    'main.cc',
  ],
}
