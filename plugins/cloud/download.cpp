#include "download.hpp"

#include <sstream>

#include "command_wrapper.hpp"
#include "tar_stream.hpp"
#include "text.hpp"

namespace berth_cloud {

namespace {

using berth::Code;
using berth::EntryKind;
using berth::Error;
using berth::FileEntry;

struct Found {
    char kind = 'm';  // f file, d directory, m missing, u unreadable, s special
    unsigned mode = 0;
};

// One line for each path: kind and mode.
std::vector<Found> look_at(SandboxLink& link, const std::vector<std::string>& paths) {
    std::string script =
        "q() { if [ ! -e \"$1\" ]; then k=m; elif [ -d \"$1\" ]; then k=d; elif [ ! -f \"$1\" ]; then k=s; "
        "elif [ ! -r \"$1\" ]; then k=u; else k=f; fi; echo $k $(stat -Lc %a \"$1\" 2>/dev/null); }\n";
    for (const std::string& path : paths)
        script += "q " + shell_word(path) + "\n";
    std::istringstream lines(link.shell({"sh", "-c", script}).out);
    std::vector<Found> all;
    for (std::string line; std::getline(lines, line) && all.size() < paths.size();) {
        Found found;
        if (!line.empty()) found.kind = line[0];
        if (line.size() > 2) found.mode = static_cast<unsigned>(std::strtoul(line.c_str() + 2, nullptr, 8)) & 0777U;
        all.push_back(found);
    }
    if (all.size() != paths.size())
        throw Error(Code::execution_failed, "the sandbox did not say what lies at the paths")
            .hint("the image must have sh and stat");
    return all;
}

void copy(berth::OpenAnswer& answer, const std::function<void(std::string_view)>& take) {
    char buffer[65536];
    while (const std::size_t got = answer.exchange.read(buffer, sizeof buffer))
        take({buffer, got});
}

void file_to_sink(SandboxLink& link, const std::string& path, const FileEntry& entry, berth::FileSink& sink) {
    berth::OpenAnswer answer = [&] {
        try {
            return link.read_file(path);
        } catch (const Error& error) {
            // Also a session that has just ended answers so: then the next request tells.
            if (error.code() != Code::not_found || error.is_recorded()) throw;
            throw Error(Code::file_not_found, "there is no such file in the sandbox").path(path).index(entry.operation);
        }
    }();
    sink.begin(entry);
    copy(answer, [&](std::string_view bytes) { sink.write(bytes); });
    sink.commit();
}

/// Entries of a tar archive on their way to the host.
class Unpacker final : public TarTaker {
public:
    Unpacker(berth::FileSink& sink, std::uint64_t operation) : sink_(sink), operation_(operation) {}

    void entry(const TarEntry& from) override {
        using Kind = TarEntry::Kind;
        path_ = from.name.rfind("./", 0) == 0 ? from.name.substr(2) : from.name == "." ? "" : from.name;
        while (!path_.empty() && path_.back() == '/')
            path_.pop_back();
        FileEntry to;
        to.operation = operation_;
        to.path = path_;
        to.top = path_.empty();
        to.mode = from.mode;
        if (from.kind == Kind::special) {
            sink_.skip(to, "no file, directory or link");
            return;
        }
        if (from.kind == Kind::hard_link) {
            again.emplace_back(path_, from.mode);
            return;
        }
        to.kind = from.kind == Kind::file        ? EntryKind::file
                  : from.kind == Kind::directory ? EntryKind::directory
                                                 : EntryKind::symlink;
        if (to.kind == EntryKind::file) to.length = from.size;
        to.link_target = from.target;
        sink_.begin(to);
        if (to.kind != EntryKind::file) sink_.commit();
    }
    void content(std::string_view bytes) override { sink_.write(bytes); }
    void end_of_file() override { sink_.commit(); }

    std::vector<std::pair<std::string, unsigned>> again;  // hard links, which are fetched as files

private:
    berth::FileSink& sink_;
    std::uint64_t operation_;
    std::string path_;
};

void directory_to_sink(SandboxLink& link, berth::Call& call, const std::string& path, std::uint64_t operation,
                       berth::FileSink& sink) {
    const std::string archive = scratch_prefix(random_token()) + ".tar";
    const auto remove = [&] { link.start({"rm", "-f", archive}); };
    auto undo = call.undo(remove);
    const ShellAnswer packed =
        link.shell({"sh", "-c",
                    "cd " + shell_word(path) + " || exit 9; command -v tar >/dev/null || exit 8; umask 077; tar -cf " +
                        archive + " ."});
    const auto fail = [&](Code code, const std::string& message) -> void {
        throw Error(code, message).path(path).index(operation);
    };
    if (packed.exit_code == 9) fail(Code::permission_denied, "the directory may not be entered");
    if (packed.exit_code == 8)
        fail(Code::unsupported, "the sandbox's image has no tar, so directories cannot be fetched");
    if (packed.err.find("ermission denied") != std::string::npos)
        fail(Code::permission_denied, "something in the directory may not be read");
    if (packed.err.find("No space") != std::string::npos)
        fail(Code::resource_exhausted, "the sandbox's disk has no room for an archive of the directory");
    if (packed.exit_code > 1) fail(Code::execution_failed, "tar failed in the sandbox: " + packed.err.substr(0, 200));

    Unpacker unpacker(sink, operation);
    TarReader reader;
    {
        berth::OpenAnswer answer = link.read_file(archive);
        try {
            copy(answer, [&](std::string_view bytes) { reader.feed(bytes, unpacker); });
            reader.finish();
        } catch (const TarError& error) {
            fail(Code::protocol_error, std::string("the sandbox's archive cannot be read: ") + error.what());
        }
    }
    for (const auto& [name, mode] : unpacker.again) {
        FileEntry entry;
        entry.operation = operation;
        entry.path = name;
        entry.mode = mode;
        file_to_sink(link, path + "/" + name, entry, sink);
    }
    undo.dismiss();
    remove();
}

}  // namespace

void download_files(SandboxLink& link, berth::Call& call, const std::string& directory,
                    const std::vector<std::string>& wanted, berth::FileSink& sink) {
    std::vector<std::string> paths;
    for (std::size_t n = 0; n < wanted.size(); ++n)
        paths.push_back(absolute_path(wanted[n], directory));
    if (paths.empty()) return;
    const std::vector<Found> found = look_at(link, paths);
    for (std::size_t n = 0; n < paths.size(); ++n) {
        const auto refuse = [&](Code code, const char* message) { throw Error(code, message).path(paths[n]).index(n); };
        FileEntry entry;
        entry.operation = n;
        entry.top = true;
        entry.mode = found[n].mode;
        switch (found[n].kind) {
            case 'f':
                if (!is_utf8(paths[n])) refuse(Code::unsupported, "fetch the directory: the API takes no such name");
                file_to_sink(link, paths[n], entry, sink);
                break;
            case 'd':
                directory_to_sink(link, call, paths[n], n, sink);
                break;
            case 'u':
                refuse(Code::permission_denied, "the file may not be read");
                break;
            case 's':
                refuse(Code::unsupported, "this is no file, directory or link");
                break;
            default:
                refuse(Code::file_not_found, "there is no such file in the sandbox");
        }
    }
}

}  // namespace berth_cloud
