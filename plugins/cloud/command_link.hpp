// One command at a backend, as the course of a run sees it: how it is sent, how it is heard, how it is asked for. Each
// backend has its own; knows nothing of what the command prints.
#pragma once

#include <berth/values.hpp>
#include <berth/words.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth_cloud {

// What was heard of the command.
struct Heard {
    enum class Kind {
        nothing,  // yet
        output,
        exit,    // the backend's own word on how it ended; output may still follow
        broken,  // the backend says that there will be no more, though there should be
        end      // of the stream
    };
    Kind kind = Kind::nothing;
    berth::Stream stream = berth::Stream::out;
    std::string_view data = {};  // until the next hear()
    std::int64_t exit_code = 0;
};

// A file that the command needs, in the sandbox's /tmp, for its user alone.
struct ScratchFile {
    std::string path;
    std::string_view content;
};

// `sh` with these words. The variables' values are UTF-8.
struct ShellCommand {
    std::vector<std::string> words;
    berth::Variables env;
    std::optional<std::int64_t> timeout_ms;  // a net below our own
};

class CommandLink {
public:
    virtual ~CommandLink() = default;

    virtual void put_files(const std::vector<ScratchFile>& files) = 0;
    // Once. Returns when the backend has taken it; throws without doubt when it has not, and else unknown.
    virtual void send(const ShellCommand& command) = 0;
    // Whether it can be asked for.
    [[nodiscard]] virtual bool is_known() const = 0;

    // Without waiting: poll fd(). Throws when the connection is lost, or what came is against the backend's protocol.
    [[nodiscard]] virtual Heard hear() = 0;
    [[nodiscard]] virtual int fd() const = 0;
    // Whether the stream ends long after the last of the output, so that its end is not waited for.
    [[nodiscard]] virtual bool ends_late() const = 0;
    // After so many milliseconds of silence it is asked for, in case the stream is dead.
    [[nodiscard]] virtual int patience_ms() const = 0;
    // Hears all of its output again, from the beginning.
    virtual void hear_again() = 0;

    // Asks. Absent: it runs. Throws not_found, not_ready or conflict when the sandbox has no such command any more.
    [[nodiscard]] virtual std::optional<std::int64_t> exit_code() = 0;
    // Asks whether everything that ran in the sandbox has ended.
    [[nodiscard]] virtual bool is_sandbox_over() = 0;
    // Runs a shell text beside it, and does not wait for its end.
    virtual void beside(const std::string& script) = 0;
    // It runs on, and nobody will ask for it again.
    virtual void let_go() = 0;
    // The backend's own way to send a signal, for as long as there is no process id.
    virtual void kill(int signal) = 0;
};

}  // namespace berth_cloud
