// `berth cp`: which side is where, and what "into a directory" means. The copying itself is the host's.
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <span>

#include "../base/text.hpp"
#include "commands.hpp"
#include "diagnostics.hpp"
#include "exit_code.hpp"
#include "reference.hpp"

namespace berth::inline host_v1::cli {

namespace {

bool is_local_directory(const std::string& path) {
    struct stat state {};
    return ::stat(path.c_str(), &state) == 0 && S_ISDIR(state.st_mode);
}

SandboxName name_of_side(const CopySide& side) {
    return {side.sandbox->provider, side.sandbox->id};
}

/// Whether a path of the sandbox is a directory, asked with the `test` that nearly every image has. Where there is
/// none the answer is no, and a directory is copied to the very path that was named.
bool is_sandbox_directory(Session& session, const SandboxName& sandbox, const std::string& path) {
    ProcessConfig question;
    question.command = "test";
    question.args = {"-d", path};
    question.output = Capture::discard;
    question.error = Capture::discard;
    return session.host().execute(sandbox, question, session.call()).exit_code == 0;
}

void upload(Session& session, const std::string& source, const CopySide& target, ProgressLine& progress) {
    const auto sandbox = name_of_side(target);
    const auto name = last_name(source);
    FileOperation operation;
    operation.local_path = source;
    operation.sandbox_path = target.path;
    const bool directory = is_local_directory(source);
    const bool into = target.path.back() == '/' || (directory && is_sandbox_directory(session, sandbox, target.path));
    if (into) operation.sandbox_path = join_target(target.path, name);
    try {
        session.host().upload_files(sandbox, std::span(&operation, 1), session.call(progress));
    } catch (const Error& error) {
        if (error.code() != Code::is_directory || directory || into || name.empty()) throw;
        operation.sandbox_path = join_target(target.path, name);
        session.host().upload_files(sandbox, std::span(&operation, 1), session.call(progress));
    }
}

DownloadReport download(Session& session, const CopySide& source, const std::string& target, ProgressLine& progress) {
    FileOperation operation;
    operation.sandbox_path = source.path;
    operation.local_path = target;
    const bool into = target.back() == '/' || is_local_directory(target);
    if (into) operation.local_path = join_target(target, last_name(source.path));
    return session.host().download_files(name_of_side(source), std::span(&operation, 1), session.call(progress));
}

}  // namespace

int perform(Session& session, const CopyCommand& command) {
    const auto source = parse_copy_side(command.source);
    const auto target = parse_copy_side(command.target);
    if (source.sandbox.has_value() == target.sandbox.has_value()) {
        throw Error(
            cli_diagnostics::wrong_usage,
            source.sandbox ? "both sides of the copy are in sandboxes" : "neither side of the copy is in a sandbox",
            "write one side as provider/id:/path and the other as a path here");
    }
    ProgressLine progress(session.progress_shown());
    if (target.sandbox) {
        upload(session, source.path, target, progress);
        return exit_ok;
    }
    const auto report = download(session, source, target.path, progress);
    progress.clear();
    if (report.skipped_special_files > 0) {
        session.out().note(std::to_string(report.skipped_special_files) +
                           " special files (fifos, sockets, devices) were left out");
    }
    return exit_ok;
}

}  // namespace berth::inline host_v1::cli
