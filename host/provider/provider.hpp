// One running provider as the engine sees it: a C++ interface with two implementations, in this process (direct)
// and, later, in a worker. Failures are thrown as berth::Error with code and outcome as the plugin reported them;
// provider, operation and sandbox are filled in here. Knows nothing of routing, admission or berth.yaml.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "call.hpp"
#include "values.hpp"

namespace berth::inline host_v1 {

/// One entry of a copy. Views live until the next call on the same source or sink.
struct FileEntry {
    enum class Kind : std::int32_t { file = 1, directory = 2, symlink = 3 };
    Kind kind = Kind::file;
    std::uint64_t operation = 0;  ///< index of the caller's FileOperation
    bool top = false;             ///< the path the caller named itself
    std::string_view path;        ///< upload: whole sandbox path; download: below the wanted path, "" for itself
    std::string_view link_target;
    std::optional<unsigned> mode;  ///< permission bits
    std::optional<std::uint64_t> length;
};

/// Files on their way into a sandbox. Used by one thread at a time. Each function may throw Error, which ends the call
/// with that error.
class FileSource {
public:
    virtual ~FileSource() = default;
    virtual std::optional<FileEntry> next() = 0;                ///< parents first; absent at the end
    virtual std::size_t read(std::span<std::byte> buffer) = 0;  ///< 0 at the end of the current file
    virtual bool rewind() = 0;                                  ///< false: it cannot
    virtual int pipe() = 0;                                     ///< read end that carries the rest, or -1
    virtual void done(std::uint64_t operation) = 0;
};

/// Files on their way out. Used by one thread at a time. May throw Error, which ends the call with that error. The
/// order has been checked: bytes only within a file, commit only what was begun. A `begin` without a `commit` before it
/// means that the entry before never existed; so does the end of the call.
class FileSink {
public:
    virtual ~FileSink() = default;
    virtual void begin(const FileEntry& entry) = 0;
    virtual void write(std::string_view bytes) = 0;
    virtual void commit() = 0;
    virtual void skip(const FileEntry& entry, std::string_view reason) = 0;
};

/// How a process ended, as the provider says it.
struct ProcessEnd {
    enum class Kind : std::int32_t {
        exited = 1,
        signalled = 2,
        killed = 3,
        cancelled = 4,
        timeout = 5,
        out_of_memory = 6,
        detached = 7
    };
    Kind kind = Kind::exited;
    int exit_code = 0;
    int signal = 0;
    std::optional<Milliseconds> duration;
};

/// Hears the course of one process, on the provider's thread.
class ProcessReceiver {
public:
    enum class Taken { taken, interrupted, enough };
    virtual ~ProcessReceiver() = default;
    virtual void started(std::optional<std::int64_t> pid) = 0;
    /// All or nothing. May block while the reader is behind, but answers `interrupted` when the call has an event for
    /// a plugin that listens (call.event_waiting()).
    virtual Taken output(OutputStream stream, std::string_view bytes) = 0;
};

/// Whether a feature is offered by this instance, and why not.
struct FeatureState {
    std::string name;
    bool offered = false;
    std::string reason;  ///< when not offered: why, and what would enable it
};

/// What a provider offers, fixed when it was opened.
struct Offer {
    std::vector<std::string> methods;    ///< snake_case names of the table and extension ids it has
    std::vector<FeatureState> features;  ///< every feature of the manifest
    [[nodiscard]] bool has_method(std::string_view name) const noexcept;
    [[nodiscard]] const FeatureState* feature(std::string_view name) const noexcept;  ///< nullptr: not in the manifest
    [[nodiscard]] bool has_feature(std::string_view name) const noexcept;
};

/// One configured instance of a plugin. All methods may be called from any thread, at once. Ids and values have been
/// checked by the engine. Optional methods must be called only when offered.
class Provider {
public:
    using InfoHandler = std::function<void(const SandboxInfo&)>;
    using BytesHandler = std::function<void(std::string_view)>;

    virtual ~Provider() = default;
    [[nodiscard]] virtual const std::string& name() const noexcept = 0;
    [[nodiscard]] virtual const Offer& offer() const noexcept = 0;

    /// `early` hears each info as it comes, the first as soon as the backend has named the sandbox, the last one, which
    /// is returned, too. It may be empty. `config.initial_files` is ignored: `files` carries them.
    virtual SandboxInfo create(Call& call, const SandboxConfig& config, FileSource& files,
                               const InfoHandler& early) = 0;
    virtual SandboxInfo get(Call& call, std::string_view id) = 0;
    virtual std::vector<SandboxInfo> list(Call& call) = 0;
    virtual void destroy(Call& call, std::string_view id) = 0;
    virtual ProcessEnd execute(Call& call, std::string_view id, const ProcessConfig& process,
                               ProcessReceiver& receiver) = 0;
    virtual ProcessEnd execute_stream(Call& call, std::string_view id, const ProcessConfig& process,
                                      ProcessReceiver& receiver) = 0;
    virtual void upload_files(Call& call, std::string_view id, FileSource& source) = 0;
    virtual void download_files(Call& call, std::string_view id, std::span<const std::string> paths,
                                FileSink& sink) = 0;
    virtual ResourceUsage get_resource_usage(Call& call, std::string_view id) = 0;
    virtual bool is_ready(Call& call, std::string_view id) = 0;
    virtual SandboxInfo restart(Call& call, std::string_view id) = 0;

    virtual std::string create_snapshot(Call& call, std::string_view id, std::string_view snapshot_name) = 0;
    virtual void restore_snapshot(Call& call, std::string_view id, std::string_view snapshot) = 0;
    enum class Follow { no, yes };
    virtual void get_logs(Call& call, std::string_view id, const LogOptions& options, Follow follow,
                          const BytesHandler& handler) = 0;
    virtual void set_environment_variables(Call& call, std::string_view id, const Variables& set,
                                           std::span<const std::string> unset) = 0;
    virtual Variables get_environment_variables(Call& call, std::string_view id) = 0;

    virtual std::vector<SnapshotInfo> list_snapshots(Call& call) = 0;
    virtual void delete_snapshot(Call& call, std::string_view snapshot) = 0;
};

}  // namespace berth::inline host_v1
