// All that `berth` can do, one function for each command; each room named *_commands does one family. A function
// returns the exit code and throws Error for what failed.
#pragma once

#include "command.hpp"
#include "session.hpp"

namespace berth::inline host_v1::cli {

// process_commands
[[nodiscard]] int perform(Session& session, const RunCommand& command);
[[nodiscard]] int perform(Session& session, const ExecCommand& command);

// sandbox_commands
[[nodiscard]] int perform(Session& session, const CreateCommand& command);
[[nodiscard]] int perform(Session& session, const ListCommand& command);
[[nodiscard]] int perform(Session& session, const InspectCommand& command);
[[nodiscard]] int perform(Session& session, const ReadyCommand& command);
[[nodiscard]] int perform(Session& session, const StatsCommand& command);
[[nodiscard]] int perform(Session& session, const RestartCommand& command);
[[nodiscard]] int perform(Session& session, const RemoveCommand& command);

// file_commands
[[nodiscard]] int perform(Session& session, const CopyCommand& command);

// snapshot_commands
[[nodiscard]] int perform(Session& session, const SnapshotCreateCommand& command);
[[nodiscard]] int perform(Session& session, const SnapshotRestoreCommand& command);
[[nodiscard]] int perform(Session& session, const SnapshotListCommand& command);
[[nodiscard]] int perform(Session& session, const SnapshotRemoveCommand& command);

// log_commands, environment_commands
[[nodiscard]] int perform(Session& session, const LogsCommand& command);
[[nodiscard]] int perform(Session& session, const EnvironmentGetCommand& command);
[[nodiscard]] int perform(Session& session, const EnvironmentSetCommand& command);

// provider_commands, plugin_commands, quarantine_commands, config_commands
[[nodiscard]] int perform(Session& session, const ProviderListCommand& command);
[[nodiscard]] int perform(Session& session, const PluginListCommand& command);
[[nodiscard]] int perform(Session& session, const PluginInspectCommand& command);
[[nodiscard]] int perform(Session& session, const PluginClearCommand& command);
[[nodiscard]] int perform(Session& session, const ConfigCheckCommand& command);
[[nodiscard]] int perform(Session& session, const ConfigShowCommand& command);
[[nodiscard]] int perform(Session& session, const ConfigSchemaCommand& command);

// doctor_commands
[[nodiscard]] int perform(Session& session, const DoctorCommand& command);

// program_commands
[[nodiscard]] int perform(Session& session, const HelpCommand& command);
[[nodiscard]] int perform(Session& session, const VersionCommand& command);
[[nodiscard]] int perform(Session& session, const CompletionCommand& command);
[[nodiscard]] int perform(Session& session, const CompleteCommand& command);

/// The sandbox a person named. Throws Error BERTH-X-03.
[[nodiscard]] SandboxName sandbox_named(const std::string& text);
[[nodiscard]] SnapshotName snapshot_named(const std::string& text);

}  // namespace berth::inline host_v1::cli
