// The caller's microphone: asking for it, choosing among several, and how loud it is.
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** A stream of the microphone of that id (empty: the usual one). Throws an Error whose message is a key of the texts. */
export async function openMicrophone(deviceId) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error('call.problem.insecure');
  const audio = deviceId ? { ...SOUND, deviceId: { exact: deviceId } } : SOUND;
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw new Error(error.name === 'NotAllowedError' ? 'call.problem.denied' : 'call.problem.no_microphone');
  }
}

/** Put the microphones there are into a <select>; they have names once one was allowed. */
export async function offerMicrophones(select, usual) {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const chosen = select.value;
  const microphones = devices.filter((device) => device.kind === 'audioinput' && device.deviceId);
  select.replaceChildren(new Option(usual, ''));
  for (const device of microphones) select.add(new Option(device.label || device.deviceId.slice(0, 8), device.deviceId));
  select.value = microphones.some((device) => device.deviceId === chosen) ? chosen : '';
}

/** Show the loudness of a stream on a <meter>; returns what ends that. */
export function showLevel(stream, meter) {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 512 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    meter.value = Math.min(1, 4 * Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length));
  }, 100);
  return () => {
    clearInterval(timer);
    meter.value = 0;
    context.close();
  };
}
