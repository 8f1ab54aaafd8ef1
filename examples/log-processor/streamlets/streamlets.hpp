/// The names of the streamlets, for main().
#pragma once

namespace logproc {

struct http_ingress;
struct key_logger;
struct file_ingestor;
struct message_printer;
struct message_logger;
struct stat_aggregator;
struct stat_logger;
struct email_processor;
struct invalid_logger;

}  // namespace logproc
