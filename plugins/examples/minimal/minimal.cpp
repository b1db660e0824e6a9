// The smallest whole provider in C++: a sandbox is a temporary directory, a process is a child of the host. It gives NO
// ISOLATION: what runs "in" it may do everything that the user of Berth may. It shows the contract on nothing but
// POSIX. A sandbox path is a host path: a relative one is meant below the sandbox's directory, one outside it is
// refused. Sandboxes die with the host that made them: the feature `persistent` is not offered.
#include <berth/provider.hpp>

#include <filesystem>
#include <fstream>
#include <mutex>

#include "process.hpp"

namespace fs = std::filesystem;
using namespace minimal;

namespace {

struct Sandbox {
    berth::SandboxInfo info;
    std::vector<pid_t> groups;     // of the processes that run
    std::uint64_t generation = 0;  // how often it was restarted

    berth::SandboxInfo now() const {
        berth::SandboxInfo copy = info;
        copy.state = groups.empty() ? berth::SandboxState::ready : berth::SandboxState::busy;
        return copy;
    }
};

/// Runs `act`; a failure of the file system becomes the contract's code for it.
template <class Act>
void on_files(std::string_view path, Act&& act) {
    try {
        act();
    } catch (const fs::filesystem_error& error) {
        const std::pair<std::errc, Code> codes[] = {{std::errc::no_such_file_or_directory, Code::file_not_found},
                                                    {std::errc::permission_denied, Code::permission_denied},
                                                    {std::errc::not_a_directory, Code::not_directory},
                                                    {std::errc::is_a_directory, Code::is_directory},
                                                    {std::errc::no_space_on_device, Code::resource_exhausted}};
        for (const auto& [condition, code] : codes)
            if (error.code() == condition) throw Error(code, error.code().message()).path(path);
        throw;
    }
}

class Minimal {
    /// Runs `act` under the lock: methods come from any thread, side by side (rule T1).
    template <class Act>
    auto change(Act&& act) {
        const std::lock_guard guard(mutex_);
        return act();
    }

public:
    Minimal(berth::Host, const berth::Settings&) {}
    ~Minimal() {
        for (auto& [id, sandbox] : sandboxes_)
            end(sandbox);
    }

    berth::SandboxInfo create(berth::Call& call, const berth::SandboxConfig& config, berth::FileSource& files) {
        for (const berth::SandboxInfo& known : list(call))
            if (known.idempotency_key == config.idempotency_key()) return known;
        char folder[] = "/tmp/berth-minimal-XXXXXX";
        if (mkdtemp(folder) == nullptr) throw Error(Code::resource_exhausted, words_of(errno));
        Sandbox sandbox;
        berth::SandboxInfo& info = sandbox.info;
        info.id = berth::make_id("minimal");
        info.state = berth::SandboxState::ready;
        info.created_at = berth::now();
        info.environment = config.environment();
        info.network = berth::Network::host;
        info.idempotency_key = config.idempotency_key();
        info.name = config.name();
        info.labels = config.labels();
        info.backend_id = folder;
        info.facts.set("isolation", "none");
        auto undo = call.undo([&] { destroy(call, info.id); });
        change([&] { sandboxes_[info.id] = sandbox; });
        const fs::path cwd = inside(info.id, info.environment.cwd.value_or("."));
        on_files(cwd.string(), [&] { fs::create_directories(cwd); });
        change([&] { sandboxes_[info.id].info.environment.cwd = cwd.string(); });
        call.announce(get(call, info.id));
        receive(info.id, files);
        std::uint64_t index = 0;
        for (std::string_view line : config.setup_commands())
            set_up(call, info.id, line, index++);
        undo.dismiss();
        return get(call, info.id);
    }

    berth::SandboxInfo get(berth::Call&, std::string_view id) {
        return change([&] { return find(id).now(); });
    }

    std::vector<berth::SandboxInfo> list(berth::Call&) {
        return change([&] {
            std::vector<berth::SandboxInfo> all;
            for (const auto& [id, sandbox] : sandboxes_)
                all.push_back(sandbox.now());
            return all;
        });
    }

    void destroy(berth::Call&, std::string_view id) {
        change([&] {
            end(find(id));
            sandboxes_.erase(sandboxes_.find(id));
        });
    }

    berth::ProcessEnd execute(berth::Call& call, std::string_view id, const berth::Process& process,
                              berth::ProcessSink& sink) {
        return execute_stream(call, id, process, sink);
    }

    berth::ProcessEnd execute_stream(berth::Call& call, std::string_view id, const berth::Process& process,
                                     berth::ProcessSink& sink) {
        const berth::EnvironmentValues own = get(call, id).environment;
        const berth::Environment given = process.environment();
        Job job{{std::string{process.command()}}, own.env, *own.cwd};
        for (std::string_view argument : process.args())
            job.argv.emplace_back(argument);
        job.env.merge(given.env());
        if (given.cwd()) job.cwd = inside(id, (fs::path{job.cwd} / *given.cwd()).string()).string();
        job.input = process.input().value_or("");
        if (process.live_stdin()) job.live_stdin = call.stdin_fd();
        job.timeout = given.timeout().value_or(own.timeout.value_or(Duration{0}));
        job.kill_grace = process.kill_grace();
        job.drain_grace = process.drain_grace();
        job.kills_background = process.kills_background();
        return run_in(
            call, id, job, [&](pid_t pid) { sink.started(pid); },
            [&](berth::Stream stream, std::string_view bytes, auto&& on_event) {
                if (!process.discards(stream)) (void)sink.output(stream, bytes, on_event);
            });
    }

    void upload_files(berth::Call&, std::string_view id, berth::FileSource& source) { receive(id, source); }

    void download_files(berth::Call&, std::string_view id, berth::Paths paths, berth::FileSink& sink) {
        const auto fetch = [&](std::uint64_t operation, const fs::path& wanted) {
            const fs::path top = fs::canonical(wanted);  // a link at the path itself is followed
            must_be_below(id, top);
            send(top, "", operation, sink);
            if (!fs::is_directory(top)) return;
            for (const fs::directory_entry& entry : fs::recursive_directory_iterator(top))
                send(entry.path(), entry.path().lexically_relative(top).string(), operation, sink);
        };
        use(id);
        for (std::size_t n = 0; n < paths.size(); ++n)
            on_files(paths[n], [&] { fetch(n, inside(id, paths[n])); });
    }

    berth::Usage get_resource_usage(berth::Call&, std::string_view id) {
        berth::Usage usage;  // what is not known stays absent: memory and processor belong to processes we do not trace
        usage.sampled_at = berth::now();
        usage.disk_bytes = 0;
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_of(id)))
            if (entry.is_regular_file() && !entry.is_symlink()) *usage.disk_bytes += entry.file_size();
        return usage;
    }

    bool is_ready(berth::Call&, std::string_view id) {
        return change([&] { return sandboxes_.find(id) != sandboxes_.end(); });
    }

    berth::SandboxInfo restart(berth::Call&, std::string_view id) {
        return change([&] {
            Sandbox& sandbox = find(id);
            ++sandbox.generation;
            for (pid_t group : sandbox.groups)
                kill(-group, SIGKILL);
            return sandbox.now();
        });
    }

private:
    Sandbox& find(std::string_view id) {
        const auto found = sandboxes_.find(id);
        if (found == sandboxes_.end()) throw Error(Code::not_found, "no such sandbox");
        return found->second;
    }
    void use(std::string_view id) {
        change([&] { find(id).info.last_used_at = berth::now(); });
    }
    static void end(const Sandbox& sandbox) {
        for (pid_t group : sandbox.groups)
            kill(-group, SIGKILL);
        fs::remove_all(*sandbox.info.backend_id);
    }

    fs::path folder_of(std::string_view id) {
        return change([&] { return *find(id).info.backend_id; });
    }
    /// The host path of a sandbox path. Links on the way are resolved; what comes out must lie in the sandbox.
    fs::path inside(std::string_view id, std::string_view path) {
        const fs::path whole = (folder_of(id) / path / "").lexically_normal().parent_path();
        fs::path target = fs::weakly_canonical(whole.parent_path()) / whole.filename();
        must_be_below(id, target);
        return target;
    }
    void must_be_below(std::string_view id, const fs::path& path) {
        const fs::path relative = path.lexically_relative(fs::canonical(folder_of(id)));
        if (relative.empty() || *relative.begin() == "..")
            throw Error(Code::path_escape, "the path lies outside the sandbox's directory").path(path.string());
    }

    void receive(std::string_view id, berth::FileSource& source) {
        use(id);
        source.each([&](const berth::FileEntry& entry) {
            on_files(entry.path, [&] { place(inside(id, entry.path), entry, source); });
        });
    }
    static void place(const fs::path& to, const berth::FileEntry& entry, berth::FileSource& source) {
        fs::create_directories(to.parent_path());
        if (entry.kind == berth::EntryKind::directory) return void(fs::create_directories(to));
        if (fs::is_directory(fs::symlink_status(to)))
            throw Error(Code::is_directory, "a directory is in the way").path(entry.path).index(entry.operation);
        // Whole or not at all: under another name first, then renamed.
        const fs::path part = to.string() + ".berth-part";
        try {
            fs::remove(part);
            if (entry.kind == berth::EntryKind::symlink) {
                fs::create_symlink(entry.link_target, part);
            } else {
                std::ofstream file(part, std::ios::binary);
                char buffer[65536];
                while (const std::size_t got = source.read(buffer, sizeof buffer))
                    file.write(buffer, static_cast<std::streamsize>(got));
                if (!file.flush())
                    throw Error(Code::resource_exhausted, "the file could not be written").path(entry.path);
                if (entry.mode) fs::permissions(part, static_cast<fs::perms>(*entry.mode));
            }
            fs::rename(part, to);
        } catch (...) {
            std::error_code ignored;
            fs::remove(part, ignored);
            throw;
        }
    }

    static void send(const fs::path& path, const std::string& name, std::uint64_t operation, berth::FileSink& sink) {
        const fs::file_status status = fs::symlink_status(path);
        const std::string target = fs::is_symlink(status) ? fs::read_symlink(path).string() : "";
        berth::FileEntry entry{berth::EntryKind::file, operation, name, target};
        entry.top = name.empty();
        if (fs::is_symlink(status))
            entry.kind = berth::EntryKind::symlink;
        else
            entry.mode = static_cast<std::uint32_t>(status.permissions()) & 0777;
        if (fs::is_directory(status)) entry.kind = berth::EntryKind::directory;
        if (fs::is_other(status)) {
            if (entry.top) throw Error(Code::unsupported, "neither a file nor a directory").path(path.string());
            return sink.skip(entry, "neither a file, a directory nor a link");
        }
        sink.begin(entry);
        if (fs::is_regular_file(status)) {
            std::ifstream file(path, std::ios::binary);
            if (!file) throw Error(Code::permission_denied, "the file cannot be read").path(path.string());
            char buffer[65536];
            while (file.read(buffer, sizeof buffer) || file.gcount() > 0)
                sink.write({buffer, static_cast<std::size_t>(file.gcount())});
        }
        sink.commit();
    }

    void set_up(berth::Call& call, std::string_view id, std::string_view line, std::uint64_t index) {
        const berth::EnvironmentValues own = get(call, id).environment;
        std::string output;
        const berth::ProcessEnd end = run_in(
            call, id, {{"sh", "-c", std::string{line}}, own.env, *own.cwd}, [](pid_t) {},
            [&](berth::Stream, std::string_view bytes, auto&&) {
                if (output.size() < 65536) output += bytes;
            });
        if (end.kind == EndKind::cancelled) throw Error(Code::cancelled, "cancelled");
        if (end.kind == EndKind::exited && end.exit_code == 0) return;
        throw Error(Code::execution_failed, "a setup command failed")
            .index(index)
            .detail("command", line)
            .detail("exit_code", std::to_string(end.exit_code))
            .detail("output", output);
    }

    /// Runs a job in a sandbox, which knows its group meanwhile: destroy and restart end it.
    template <class Started, class Output>
    berth::ProcessEnd run_in(berth::Call& call, std::string_view id, Job job, Started started, Output output) {
        if (!fs::exists(job.cwd)) throw Error(Code::file_not_found, "cwd does not exist").path(job.cwd);
        if (!fs::is_directory(job.cwd)) throw Error(Code::not_directory, "cwd is no directory").path(job.cwd);
        if (job.env.find("PATH") == nullptr) job.env.set("PATH", "/usr/local/bin:/usr/bin:/bin");
        use(id);
        pid_t group = 0;
        std::uint64_t generation = 0;
        const auto begin = [&](pid_t pid) {
            group = pid;
            change([&] {
                Sandbox& sandbox = find(id);
                sandbox.groups.push_back(pid);
                generation = sandbox.generation;
            });
            started(pid);
        };
        // Off the list before the leader is waited for: afterwards its number may be another's.
        const auto forget = [&] {
            return change([&] {
                const auto found = sandboxes_.find(id);
                if (found == sandboxes_.end()) return true;
                std::erase(found->second.groups, group);
                return found->second.generation != generation;
            });
        };
        return run(call, job, begin, output, forget);
    }

    std::mutex mutex_;
    std::map<std::string, Sandbox, std::less<>> sandboxes_;
};

}  // namespace

BERTH_PLUGIN(Minimal, R"({
    "name": "minimal",
    "version": "1.0.0",
    "description": "Temporary directories and plain child processes: shows the contract, isolates nothing",
    "license": "Apache-2.0",
    "features": ["stdin", "signals", "network_host", "restart_keeps_files"]
})")
