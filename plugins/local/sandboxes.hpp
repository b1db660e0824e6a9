// The sandboxes of one provider: made, found, described, restarted, removed, and worked in.
//
// All truth is on disk and in the kernel: an instance keeps nothing but the latest usage samples, so any number of
// processes may work on the same sandboxes, and any of them may be killed at any point. Every method is [any thread].
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "call_filter.hpp"
#include "caller.hpp"
#include "file_transfer.hpp"
#include "first_process.hpp"
#include "log_reader.hpp"
#include "process_run.hpp"
#include "record.hpp"
#include "sandbox_group.hpp"
#include "snapshot_store.hpp"
#include "store.hpp"
#include "templates.hpp"
#include "tree_copy.hpp"
#include "trees.hpp"
#include "uid_range.hpp"
#include "usage.hpp"

namespace berth_local {

struct Settings {
    std::string provider;
    std::string state_directory;
    std::string claims_directory;  // of uids; for the whole machine
    std::string bubblewrap = "/usr/bin/bwrap";
    std::string slirp = "/usr/bin/slirp4netns";  // may be missing: then there is no outbound network
    std::string init_program;                    // berth-init
    std::string root_program;                    // berth-root
    std::string tar_program;                     // berth-tar
    bool own_accounts = false;                   // we are root: each sandbox gets a uid of its own, or a block of them
    UidRange uid_range;
    UidRange template_uid_range;
    std::map<std::string, std::string> templates;  // name to path
    Network network = Network::none;               // when a sandbox does not say
    UserNamespaces user_namespaces = UserNamespaces::off;
    std::chrono::milliseconds look_each = usual_look_each;
};

enum class State { initializing, ready, busy, stopped };

struct Info {
    Record record;
    State state = State::initializing;
    std::optional<std::int64_t> last_used_at_ms;
    std::optional<int> first_process;  // its number on this host
    std::string state_path;
    std::optional<int> network_helper = {};     // the number of what carries its outbound network
    std::optional<std::int64_t> expires_at_ms;  // if nobody uses it till then
    bool clones_snapshots = false;              // the file system shares blocks
};

struct CreateRequest {
    std::string idempotency_key;
    std::optional<std::string> name;
    std::optional<std::string> directory;
    std::optional<std::int64_t> timeout_ms;
    std::optional<std::int64_t> ttl_ms;       // removed after this time, whatever runs; 0 = never
    std::optional<std::int64_t> idle_ttl_ms;  // removed after this time without use
    std::optional<Network> network;
    std::optional<std::uint64_t> memory_limit_mib;  // 0 = none, as with the others
    std::optional<double> cpu_limit;
    std::optional<std::uint64_t> pids_limit;
    std::optional<std::string> template_name;
    bool persistent = false;
    std::vector<NamedValue> environment;
    std::vector<NamedValue> labels;
    std::vector<std::string> setup_commands;
};

// A process as asked for; what is absent comes from the sandbox.
struct RunRequest {
    ProcessRequest process;  // its directory and environment are filled in here
    std::optional<std::string> directory;
    std::optional<std::int64_t> timeout_ms;
    std::string terminal_name;                      // with a terminal: the value of TERM
    std::optional<std::uint64_t> memory_limit_mib;  // of this process and what descends from it; 0 = none
    std::optional<double> cpu_limit;
    std::vector<NamedValue> environment;
};

class Sandboxes {
public:
    // Throws ISOLATION_UNAVAILABLE when no sandbox can be made on this machine.
    explicit Sandboxes(Settings settings);

    // `announce` is told about the sandbox as soon as it has an id.
    Info create(const CreateRequest& request, EntrySource& files, Caller& caller,
                const std::function<void(const Info&)>& announce);
    [[nodiscard]] Info get(std::string_view id);
    [[nodiscard]] std::vector<Info> list(Caller& caller);
    void destroy(std::string_view id, Caller& caller);
    [[nodiscard]] bool is_ready(std::string_view id);
    Info restart(std::string_view id, Caller& caller);
    ProcessEnd run(std::string_view id, RunRequest request, Caller& caller, ProcessSink& sink);
    void upload_files(std::string_view id, EntrySource& source, Caller& caller);
    void download_files(std::string_view id, const std::vector<std::string>& paths, EntrySink& sink, Caller& caller);
    [[nodiscard]] UsageFigures usage(std::string_view id, Caller& caller);
    // The sandbox's own variables: what create was given and what was set later, without defaults.
    [[nodiscard]] std::vector<NamedValue> environment(std::string_view id);
    // All or nothing; processes that run keep what they have.
    void set_environment(std::string_view id, const std::vector<NamedValue>& set, const std::vector<std::string>& unset,
                         Caller& caller);
    void logs(std::string_view id, const LogRequest& request, Caller& caller, const LogTaker& take);
    // Its id.
    std::string create_snapshot(std::string_view id, std::string_view name, Caller& caller);
    void restore_snapshot(std::string_view id, std::string_view snapshot, Caller& caller);
    [[nodiscard]] std::vector<SnapshotRecord> list_snapshots();
    void delete_snapshot(std::string_view snapshot, Caller& caller);

private:
    struct Open {
        Descriptor directory;
        Record record;
    };
    // None of them finds a sandbox whose time is over: looking for it removes it.
    [[nodiscard]] std::optional<Open> find(std::string_view id);
    [[nodiscard]] Open open(std::string_view id);
    // Any that has come to be, running or not.
    [[nodiscard]] Open open_made(std::string_view id);
    [[nodiscard]] Open open_running(std::string_view id);
    [[nodiscard]] bool has_ended(const Open& sandbox);
    [[nodiscard]] bool end_unclaimed(const Descriptor& directory, const std::string& id) const;
    [[nodiscard]] Info describe(const Open& sandbox, std::chrono::milliseconds patience) const;
    [[nodiscard]] std::unique_ptr<RunGroup> limit_run(const Open& sandbox, const RunRequest& request,
                                                      Caller& caller) const;
    [[nodiscard]] Record new_record(const CreateRequest& request, const std::optional<Templates::Ready>& root) const;
    int make(const Descriptor& directory, Record& record, const CreateRequest& request, EntrySource& files,
             Caller& caller, const std::function<void()>& write_down);
    [[nodiscard]] std::optional<Templates::Ready> prepare_root(const CreateRequest& request, Caller& caller) const;
    // Whether a sandbox or a snapshot needs this tree of a template.
    [[nodiscard]] bool is_in_use(const std::string& tree) const;
    void claim_ids(Record& record) const;
    void release_ids(const Record& record) const;
    void make_trees(const Descriptor& directory, const Record& record) const;
    void run_setup(const Descriptor& directory, const Record& record, const CreateRequest& request, Caller& caller);
    int start(const Descriptor& directory, Record& record, Caller& caller,
              const std::function<void()>& meanwhile) const;
    void give_network(const Descriptor& directory, const std::string& id, const std::vector<Descriptor>& joins,
                      Caller& caller) const;
    // One that has been made before.
    void start_again(const Descriptor& directory, Record& record, Caller& caller) const;
    void stop(Open& sandbox);
    void need_same_root(const SnapshotRecord& snapshot, const Record& record) const;
    [[nodiscard]] TreeCopySettings copy_settings(const Record& record, std::optional<std::uint32_t> from,
                                                 TreeCopySettings::Source source, Caller& caller);
    void swap_in(Open& sandbox, const std::string& restoring, Caller& caller);
    void finish_restore(Open& sandbox);
    enum class Removed { yes, not_now };
    [[nodiscard]] Removed remove_unfinished_snapshot(const std::string& id);
    void remove_all(int parent, const std::string& name) const;
    void tear_down(const Descriptor& directory, const Record& record);
    void remove_what_died();
    [[nodiscard]] bool remove_unfinished(const std::string& id);
    void remove_what_expired();
    void remove_blank();
    [[nodiscard]] bool ended_by_us(std::string_view id, std::uint64_t generation);

    Settings settings_;
    Store store_;
    SnapshotStore snapshots_;
    Trees trees_;
    UidClaims claims_;
    UidClaims block_claims_;
    Templates templates_;
    Descriptor init_;
    UsageMeter meter_;
};

}  // namespace berth_local
