/** Loaded first by every process of ours that may load a model: onnxruntime's library for Linux reports to its maker (a
 * device id and a queue of events below the home folder, questions to the DNS) unless it finds this in the environment
 * when it loads. In a worker thread it would be too late, as a thread's environment is a copy. */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
