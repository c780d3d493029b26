import { register } from '../index';

export default register('map', {});
