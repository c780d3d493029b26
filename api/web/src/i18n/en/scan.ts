// Texts of reading codes.
import { register } from '../index';

export default register('scan', {
	camera: 'Scan with the camera',
	photo: 'Use a photo of the code',
	stop: 'Stop the camera',
	use: 'Use',
	picture: 'Picture of the camera',
	refused: 'The camera is switched off for these pages. Allow it in the browser’s settings, take a photo, or type what stands below the code.',
	none: 'This device gives no camera. Take a photo of the code, or type what stands below it.',
	insecure: 'Browsers give the camera only over https. Take a photo of the code, or type what stands below it.',
	'failed.none': 'No code was found in that photo. Hold the phone closer, straight, without glare.',
	'failed.picture': 'That file is no picture that this browser can read.',
	'failed.reader': 'The reader of codes did not load. Type what stands below the code.',
});
