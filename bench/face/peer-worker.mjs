// One worker thread that finds and embeds the best face of a picture with face-api on TensorFlow.js' WebAssembly
// backend: what a Node user gets without a native build. Decoding is the same as ours (sharp, at most 1,280 px), so
// that it does not decide.
import { createRequire } from 'node:module';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';

const { peers, detector } = workerData;
const require = createRequire(path.join(peers, 'package.json'));
const wasm = require('@tensorflow/tfjs-backend-wasm');
const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
wasm.setWasmPaths(`${path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
wasm.setThreadsCount(1);
await faceapi.tf.setBackend('wasm');
await faceapi.tf.ready();
const models = path.join(path.dirname(require.resolve('@vladmandic/face-api/package.json')), 'model');
await (detector === 'ssd' ? faceapi.nets.ssdMobilenetv1 : faceapi.nets.tinyFaceDetector).loadFromDisk(models);
await faceapi.nets.faceLandmark68Net.loadFromDisk(models);
await faceapi.nets.faceRecognitionNet.loadFromDisk(models);
const options = detector === 'ssd' ? new faceapi.SsdMobilenetv1Options() : new faceapi.TinyFaceDetectorOptions();

parentPort.on('message', async (bytes) => {
  const start = performance.now();
  const { data, info } = await sharp(bytes)
    .rotate()
    .resize({ width: 1280, height: 1280, fit: 'inside', withoutEnlargement: true })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const tensor = faceapi.tf.tensor3d(data, [info.height, info.width, 3], 'int32');
  const found = await faceapi.detectSingleFace(tensor, options).withFaceLandmarks().withFaceDescriptor();
  tensor.dispose();
  parentPort.postMessage({ ms: performance.now() - start, found: found !== undefined });
});
parentPort.postMessage('ready');
