// The order and the names of a download, and what is done with each kind of entry.
#include "download.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "../base/size.hpp"
#include "beneath.hpp"
#include "diagnostics.hpp"
#include "random_name.hpp"

namespace berth::inline host_v1 {

namespace {

constexpr unsigned permission_bits = 0777;
constexpr unsigned file_mode_by_default = 0644;
constexpr unsigned directory_mode_by_default = 0755;
constexpr unsigned owner_may_all = 0700;
constexpr std::size_t longest_link = 4095;
constexpr std::size_t most_late_bytes = std::size_t{64} << 20U;

std::string_view directory_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

std::string_view last_step_of(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

HostFileSink::HostFileSink(std::span<const FileOperation> operations, DownloadLimits limits, Transfer& transfer)
    : operations_(operations),
      limits_(limits),
      transfer_(transfer),
      targets_(operations.size(), Target::missing),
      token_(random_name(8)) {}

HostFileSink::~HostFileSink() {
    discard();
    set_late_modes();
}

void HostFileSink::begin(const FileEntry& entry) {
    discard();
    select(entry);
    count(entry);
    current_.emplace();
    current_->kind = entry.kind;
    current_->path = entry.path;
    current_->mode = mode_of(entry);
    current_->length = entry.length;
    if (entry.path.empty()) {
        place_top(entry);
    } else {
        place_below(entry);
    }
    if (entry.kind == FileEntry::Kind::symlink) {
        if (entry.link_target.empty() || entry.link_target.size() > longest_link ||
            entry.link_target.find('\0') != std::string_view::npos)
            throw hostile(entry.path, "a link with an impossible target");
        current_->link_target = entry.link_target;
    } else if (entry.kind == FileEntry::Kind::file) {
        create_file();
    }
    transfer_.moved(operation().sandbox_path, 0);
}

void HostFileSink::select(const FileEntry& entry) {
    if (entry.operation >= operations_.size())
        throw out_of_order(entry.path, "the provider sent a file for an operation that does not exist");
    if (entry.operation == operation_) return;
    operation_ = static_cast<std::size_t>(entry.operation);
    root_.reset();
    open_directory_.reset();
    if (targets_[operation_] == Target::directory) open_root();
}

void HostFileSink::count(const FileEntry& entry) {
    if (++entries_ > limits_.max_files)
        throw too_large("more than " + std::to_string(limits_.max_files) + " files and directories");
    if (entry.length && *entry.length > limits_.max_bytes - bytes_)
        throw too_large("more than " + size_text(limits_.max_bytes));
}

void HostFileSink::place_top(const FileEntry& entry) {
    if (targets_[operation_] != Target::missing)
        throw out_of_order(entry.path, "the provider sent the same operation twice");
    if (entry.kind == FileEntry::Kind::symlink)
        throw out_of_order(entry.path, "the provider sent a link where it had to follow it");
    const std::string& target = operation().local_path;
    struct stat status {};
    const bool exists = ::stat(target.c_str(), &status) == 0;
    const bool wants_directory = entry.kind == FileEntry::Kind::directory;
    if (exists && !wants_directory && S_ISDIR(status.st_mode)) {
        throw file_error(engine_diagnostics::target_is_directory, Code::is_directory,
                         "a file cannot be put in the place of this directory", target, operation_,
                         "Name the file in it: " + target + "/NAME");
    }
    if (exists && wants_directory && !S_ISDIR(status.st_mode)) {
        throw file_error(engine_diagnostics::target_not_directory, Code::not_directory,
                         "a directory cannot be put in the place of this file", target, operation_);
    }
    if (exists && wants_directory) return;
    std::string_view trimmed = target;
    while (trimmed.size() > 1 && trimmed.ends_with('/'))
        trimmed.remove_suffix(1);
    if (trimmed.size() != target.size() && !wants_directory) {
        throw file_error(engine_diagnostics::target_is_directory, Code::is_directory,
                         "this names a directory, and the sandbox sends a file", target, operation_);
    }
    current_->name = last_step_of(trimmed);
    touched_ = true;
    auto directory = std::string(trimmed.substr(0, trimmed.size() - current_->name.size()));
    if (directory.empty()) directory = ".";
    std::error_code problem;
    std::filesystem::create_directories(directory, problem);
    current_->top_parent.reset(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!current_->top_parent) throw failure("make the directory it lies in", problem ? problem.value() : errno, {});
}

void HostFileSink::place_below(const FileEntry& entry) {
    if (entry.top || targets_[operation_] != Target::directory)
        throw out_of_order(entry.path, "the provider sent an entry below a path that is no directory");
    if (!is_plain_path(entry.path)) throw hostile(entry.path, "a name that would leave the target");
    current_->name = last_step_of(entry.path);
    (void)directory_below(std::string(directory_of(entry.path)));
}

void HostFileSink::write(std::string_view bytes) {
    if (!current_ || !current_->file) throw out_of_order({}, "the provider sent bytes that belong to no file");
    if (bytes.size() > limits_.max_bytes - bytes_) throw too_large("more than " + size_text(limits_.max_bytes));
    if (const int failed = write_all(current_->file.get(), bytes); failed != 0)
        throw failure("write this file", failed, current_->path);
    current_->written += bytes.size();
    bytes_ += bytes.size();
    transfer_.moved(operation().sandbox_path, bytes.size());
}

void HostFileSink::commit() {
    if (!current_) throw out_of_order({}, "the provider completed an entry that it had not begun");
    switch (current_->kind) {
        case FileEntry::Kind::file:
            commit_file();
            break;
        case FileEntry::Kind::symlink:
            commit_link();
            break;
        case FileEntry::Kind::directory:
            commit_directory();
            break;
    }
    if (current_->path.empty())
        targets_[operation_] = current_->kind == FileEntry::Kind::directory ? Target::directory : Target::file;
    if (current_->kind != FileEntry::Kind::directory) ++files_;
    current_.reset();
}

void HostFileSink::commit_file() {
    if (current_->length && *current_->length != current_->written) {
        throw file_error(engine_diagnostics::changed_meanwhile, Code::conflict,
                         "this file was announced with " + std::to_string(*current_->length) + " bytes and came with " +
                             std::to_string(current_->written),
                         host_path(current_->path), operation_, "Copy again when nobody writes it");
    }
    if (::fchmod(current_->file.get(), current_->mode) != 0)
        throw failure("set the mode of this file", errno, current_->path);
    rename_into_place();
}

void HostFileSink::commit_link() {
    do {
        current_->temporary = next_temporary();
        if (::symlinkat(current_->link_target.c_str(), parent(), current_->temporary.c_str()) == 0) {
            rename_into_place();
            return;
        }
    } while (errno == EEXIST);
    const int failed = errno;
    current_->temporary.clear();
    throw failure("make this link", failed, current_->path);
}

void HostFileSink::commit_directory() {
    const bool top = current_->path.empty();
    if (top && !current_->top_parent) {  // it was there before: its mode is its owner's affair
        open_root();
        return;
    }
    if (::mkdirat(parent(), current_->name.c_str(), owner_may_all) == 0) {
        set_directory_mode();
    } else if (errno == EEXIST) {
        struct stat status {};
        if (::fstatat(parent(), current_->name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            throw failure("look at this directory", errno, current_->path);
        if (S_ISLNK(status.st_mode)) throw failure("write through this link", ELOOP, current_->path);
        if (!S_ISDIR(status.st_mode)) throw failure("make this directory", ENOTDIR, current_->path);
    } else {
        throw failure("make this directory", errno, current_->path);
    }
    if (top) open_root();
}

void HostFileSink::set_directory_mode() {
    const unsigned mode = current_->mode;
    if ((mode & owner_may_all) == owner_may_all) {
        if (::fchmodat(parent(), current_->name.c_str(), mode, 0) != 0)
            throw failure("set the mode of this directory", errno, current_->path);
        return;
    }
    late_bytes_ += current_->path.size() + sizeof(LateMode);
    if (late_bytes_ > most_late_bytes) throw too_large("too many directories that their owner may not enter");
    late_modes_.push_back({operation_, current_->path, mode});
}

void HostFileSink::set_late_modes() noexcept {
    // Newest first: a directory comes before what is in it, and must be open until that is done.
    for (; !late_modes_.empty(); late_modes_.pop_back()) {
        const auto& late = late_modes_.back();
        const FileDescriptor root{
            ::open(operations_[late.operation].local_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
        if (!root) continue;
        const auto opened = open_directory_beneath(root.get(), late.path);
        const FileDescriptor directory{::openat(opened.descriptor.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (directory) ::fchmod(directory.get(), late.mode);
    }
}

void HostFileSink::skip(const FileEntry& entry, std::string_view reason) {
    discard();
    select(entry);
    count(entry);
    if (entry.path.empty()) {
        throw file_error(engine_diagnostics::special_file, Code::unsupported,
                         "not a file, directory or link" + (reason.empty() ? "" : ": " + std::string(reason)),
                         operation().sandbox_path, operation_);
    }
    ++skipped_;
    transfer_.moved(operation().sandbox_path, 0);
}

void HostFileSink::finish() {
    discard();
    if (incomplete_) throw out_of_order({}, "the provider reported success, but left a file incomplete");
    for (std::size_t index = 0; index < targets_.size(); ++index) {
        if (targets_[index] != Target::missing) continue;
        operation_ = index;
        throw out_of_order({}, "the provider reported success, but sent nothing for this operation");
    }
    set_late_modes();
    finished_ = true;
}

std::uint64_t HostFileSink::operations_done() const noexcept {
    const auto sent =
        std::count_if(targets_.begin(), targets_.end(), [](Target target) { return target != Target::missing; });
    const bool under_way = !finished_ && !targets_.empty() && targets_[operation_] == Target::directory;
    return static_cast<std::uint64_t>(sent) - (under_way ? 1U : 0U);
}

unsigned HostFileSink::mode_of(const FileEntry& entry) const {
    const auto& wanted = operation().permissions;
    if (entry.kind == FileEntry::Kind::directory) {
        if (wanted) return *wanted | ((*wanted & 0444U) >> 2U);
        return entry.mode.value_or(directory_mode_by_default) & permission_bits;
    }
    return wanted.value_or(entry.mode.value_or(file_mode_by_default)) & permission_bits;
}

Error HostFileSink::hostile(std::string_view path, std::string_view what) const {
    return file_error(engine_diagnostics::hostile_name, Code::path_escape, "the sandbox sent " + std::string(what),
                      path, operation_, "Do not trust what else comes out of this sandbox");
}

Error HostFileSink::out_of_order(std::string_view path, std::string message) const {
    const auto shown = path.empty() && operation_ < operations_.size() ? operation().sandbox_path : std::string(path);
    return file_error(engine_diagnostics::files_out_of_order, Code::protocol_error, std::move(message), shown,
                      operation_, "This is a fault of the provider's plugin; tell its author");
}

Error HostFileSink::too_large(std::string_view message) const {
    return file_error(engine_diagnostics::download_too_large, Code::resource_exhausted,
                      "the download is larger than allowed: " + std::string(message), operation().sandbox_path,
                      operation_, "Copy less at once, or raise `defaults.download` in berth.yaml");
}

}  // namespace berth::inline host_v1
