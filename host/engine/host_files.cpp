// Copies: the provider takes from a source or gives to a sink, and both know the host's files.
#include <utility>

#include "admission.hpp"
#include "download.hpp"
#include "host_implementation.hpp"
#include "upload.hpp"

namespace berth::inline host_v1 {

namespace {

/// How far it came, for whoever has to go on from there. `files` is the source or the sink.
template <class Files>
Error with_progress(const Error& error, const Files& files) {
    auto fields = error.fields();
    fields.details.emplace_back("operations_done", std::to_string(files.operations_done()));
    if (files.failed_at_once()) fields.outcome = Outcome::none;
    return {Diagnostic{error.diagnostic(), error.code()}, std::move(fields)};
}

}  // namespace

void Host::Implementation::upload_files(const SandboxName& sandbox, std::span<const FileOperation> files,
                                        const CallOptions& options) {
    at_place(Method::upload_files, sandbox.provider, sandbox.id, [&] { admit_uploads(files); });
    if (files.empty()) return;
    with_autostart(sandbox, options, [&](const CallOptions& left) {
        run({Method::upload_files, sandbox.provider, sandbox.id, left}, [&](Provider& provider, ActiveCall& call) {
            Transfer transfer(call, left.progress ? known_size(files) : 0);
            HostFileSource source(files, transfer);
            try {
                provider.upload_files(call.call(), sandbox.id, source);
            } catch (...) {
                throw with_progress(call.current_failure(), source);
            }
        });
    });
}

DownloadReport Host::Implementation::download_files(const SandboxName& sandbox, std::span<const FileOperation> files,
                                                    const CallOptions& options) {
    at_place(Method::download_files, sandbox.provider, sandbox.id, [&] { admit_downloads(files); });
    if (files.empty()) return {};
    std::vector<std::string> paths;
    for (const auto& file : files)
        paths.push_back(file.sandbox_path);
    return with_autostart(sandbox, options, [&](const CallOptions& left) {
        return run({Method::download_files, sandbox.provider, sandbox.id, left},
                   [&](Provider& provider, ActiveCall& call) {
                       Transfer transfer(call, 0);
                       HostFileSink sink(files, configuration_.defaults.download, transfer);
                       try {
                           provider.download_files(call.call(), sandbox.id, paths, sink);
                           sink.finish();
                       } catch (...) {
                           throw with_progress(call.current_failure(), sink);
                       }
                       return DownloadReport{sink.files(), transfer.bytes(), sink.skipped()};
                   });
    });
}

}  // namespace berth::inline host_v1
