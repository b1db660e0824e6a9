// Files into and out of a sandbox, from the host's side: the conversation with the file server inside.
//
// Entries are sent one after the other without waiting for an answer to each; what comes back is hostile and bounded.
// Knows no host path: bytes come from a source and go to a sink.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caller.hpp"
#include "protocol.hpp"

namespace berth_local {

struct TransferEntry {
    protocol::Kind kind = protocol::Kind::file;
    std::uint64_t operation = 0;
    std::string_view path;  // in: as the caller wrote it; out: below what was asked for
    std::string_view target;
    std::optional<std::uint64_t> length;
    std::optional<std::uint32_t> mode;
    bool top = false;
};

class EntrySource {
public:
    virtual ~EntrySource() = default;
    // False after the last. Views live until the next call.
    virtual bool next(TransferEntry& entry) = 0;
    // 0 at the end of the current file; throws when it changed.
    virtual std::size_t read(char* buffer, std::size_t capacity) = 0;
    // A pipe with the rest of the current file, or -1.
    virtual int pipe() = 0;
    virtual void done(std::uint64_t operation) = 0;
};

class EntrySink {
public:
    virtual ~EntrySink() = default;
    virtual void begin(const TransferEntry& entry) = 0;
    virtual void write(std::string_view bytes) = 0;
    virtual void commit() = 0;
    virtual void skip(std::uint64_t operation, std::string_view path, std::string_view reason) = 0;
};

// `directory` is the sandbox's default working directory: relative paths are meant against it.
void upload(int sandbox_directory, std::string_view directory, EntrySource& source, Caller& caller);
void download(int sandbox_directory, std::string_view directory, const std::vector<std::string>& paths, EntrySink& sink,
              Caller& caller);

}  // namespace berth_local
